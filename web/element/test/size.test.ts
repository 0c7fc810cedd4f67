import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const size = (path: string) => gzipSync(readFileSync(new URL(path, import.meta.url)), { level: 9 }).length;

test("the element has at most 10 kB with the SDK in it", () => {
  expect(size("../dist/v1.js")).toBeLessThanOrEqual(10_240);
});
