import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const size = (path: string) => gzipSync(readFileSync(new URL(path, import.meta.url)), { level: 9 }).length;

test("the SDK has at most 2 kB", () => {
  expect(size("../dist/index.js")).toBeLessThanOrEqual(2_048);
});
