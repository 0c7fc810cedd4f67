import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

test("nothing in the style is on the left or on the right, so it is the same from right to left", () => {
  const style = read("../src/style.css");
  expect(style).not.toMatch(/(^|[\s;{-])(left|right)\s*:|(margin|padding|border)-(left|right)|text-align:\s*(left|right)|float:/);
});

test("what moves stands still where motion is not wanted", () => {
  const style = read("../src/style.css");
  const [before = "", reduced = ""] = style.split("@media (prefers-reduced-motion: reduce)");
  const moving = [...before.matchAll(/([^{}]+)\{[^{}]*\banimation:/g)].map(([, selector = ""]) => selector.trim());
  expect(moving.length).toBeGreaterThan(0);
  for (const selector of moving) expect(reduced).toContain(`${selector} { animation: none; }`);
  expect(style).not.toContain("transition");
});
