import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const web = fileURLToPath(new URL("../..", import.meta.url));

/** The files that npm would publish of a package. */
const published = (name: string): string[] => {
  const said = execFileSync("npm", ["pack", "--dry-run", "--json", "--workspace", name, "--offline"], { cwd: web, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const [made] = JSON.parse(said) as { files: { path: string }[] }[];
  return made!.files.map(({ path }) => path).sort();
};

test("the SDK's package has its module, its types and what describes it", { timeout: 60_000 }, () => {
  expect(published("participate")).toEqual(["LICENSE-APACHE", "LICENSE-MIT", "README.md", "dist/api.d.ts", "dist/index.d.ts", "dist/index.js", "package.json"]);
});

test("the element's package has its script, its French texts, its tag, its types and what describes it", { timeout: 60_000 }, () => {
  const types = ["dom", "events", "form", "fr", "index", "languages", "texts"].map((name) => `dist/${name}.d.ts`);
  const rest = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json", "dist/v1.fr.json", "dist/v1.html", "dist/v1.js"];
  expect(published("element")).toEqual([...types, ...rest].sort());
});
