import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { defineConfig, type Rollup } from "vite";
import { small, smallStyle, tag } from "../small.js";
import { fr } from "./src/fr.js";

/** Names that only this script uses: those that end in `_`, and some of the SDK. */
const inner = /_$|^(activation|closedAt|inMs|onChange|onRetry|opensAt|participate|patienceMs|retryAfterMs|watch)$/;

/** Writes the French texts to a file of their own, under the names that the script has for them, and its hash into the script. */
function withFrench(this: Rollup.PluginContext, code: string, short: (name: string) => string): string {
  const source = JSON.stringify(Object.fromEntries(Object.entries(fr).map(([name, text]) => [short(name), text])));
  this.emitFile({ type: "asset", fileName: "v1.fr.json", source });
  const hash = "sha256-" + createHash("sha256").update(source).digest("base64");
  const [before, after, ...more] = code.split("HASH OF v1.fr.json");
  if (after === undefined || more.length) throw new Error("there is one place for the hash");
  return before + hash + after;
}

export default defineConfig({
  plugins: [smallStyle(), small(inner, withFrench), tag("v1.js", "v1.html")],
  resolve: { alias: { "@quikly/participate": fileURLToPath(new URL("../participate/src/index.ts", import.meta.url)) } },
  build: { target: "es2022", emptyOutDir: true, lib: { entry: "src/index.ts", formats: ["es"], fileName: () => "v1.js" } },
});
