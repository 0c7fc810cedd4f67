import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const web = fileURLToPath(new URL("../..", import.meta.url));
const tool = (name: string) => join(web, "node_modules/.bin", name);
const openapi = readFileSync(join(web, "../crates/intake/openapi.json"), "utf8");

/** What the type checker says about the SDK and the element under an OpenAPI document. */
const checked = (document: string): string => {
  const copy = mkdtempSync(join(tmpdir(), "quikly-types-"));
  try {
    for (const path of ["participate/src", "element/src", "tsconfig.json"]) cpSync(join(web, path), join(copy, path), { recursive: true });
    symlinkSync(join(web, "node_modules"), join(copy, "node_modules"));
    writeFileSync(join(copy, "openapi.json"), document);
    execFileSync(tool("openapi-typescript"), ["openapi.json", "--output", "participate/src/api.ts"], { cwd: copy, stdio: "ignore" });
    return spawnSync(tool("tsc"), ["--noEmit", "--project", "."], { cwd: copy, encoding: "utf8" }).stdout;
  } finally {
    rmSync(copy, { recursive: true });
  }
};

test("under the committed document nothing is wrong", { timeout: 180_000 }, () => {
  expect(checked(openapi)).toBe("");
});

test("a field of the interface that changes its name is a type error in the SDK and in the element", { timeout: 180_000 }, () => {
  const changed = openapi.replaceAll('"next_ms"', '"next_s"').replaceAll('"outcome"', '"result"');
  const said = checked(changed);
  expect(said).toMatch(/participate\/src\/index\.ts.*next_ms/);
  expect(said).toMatch(/element\/src\/index\.ts.*outcome/);
});
