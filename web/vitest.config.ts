import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@quikly/participate": fileURLToPath(new URL("participate/src/index.ts", import.meta.url)) } },
  test: { include: ["*/test/*.test.ts"] },
});
