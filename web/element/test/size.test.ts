import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { en } from "../src/texts.js";

const read = (path: string) => readFileSync(new URL(path, import.meta.url));
const size = (path: string) => gzipSync(read(path), { level: 9 }).length;

test("the element has at most 8 kB with the SDK and English in it", () => {
  expect(size("../dist/v1.js")).toBeLessThanOrEqual(8_192);
});

test("the demo's page has at most 60 kB with the element and the French texts", () => {
  const page = "../../../crates/quikly-braze/src/demo/page/";
  const files = ["index.html", "style.css", "script.js"].map((name) => page + name);
  const all = [...files, "../dist/v1.js", "../dist/v1.fr.json"].map(size);
  expect(all.reduce((sum, one) => sum + one)).toBeLessThanOrEqual(60 * 1024);
});

test("the script knows the hash of the French texts, and the tag that of the script", () => {
  const [script, french] = [read("../dist/v1.js"), read("../dist/v1.fr.json")];
  expect(script.toString()).toContain(`"sha256-${createHash("sha256").update(french).digest("base64")}"`);
  expect(read("../dist/v1.html").toString()).toContain(`"sha384-${createHash("sha384").update(script).digest("base64")}"`);
});

test("the French texts have the names that the script has for the English ones", () => {
  const script = read("../dist/v1.js").toString();
  const texts = Object.keys(JSON.parse(read("../dist/v1.fr.json").toString()));
  expect(texts.length).toBe(Object.keys(en).length);
  for (const name of texts) expect(script).toMatch(new RegExp(`[{,]"?${name.replace(/\W/g, "\\$&")}"?:["{[]`));
});
