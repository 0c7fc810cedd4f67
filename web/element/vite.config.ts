import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { small, smallStyle, tag } from "../small.js";

export default defineConfig({
  plugins: [smallStyle(), small(), tag("v1.js", "v1.html")],
  resolve: { alias: { "@quikly/participate": fileURLToPath(new URL("../participate/src/index.ts", import.meta.url)) } },
  build: { target: "es2022", emptyOutDir: true, lib: { entry: "src/index.ts", formats: ["es"], fileName: () => "v1.js" } },
});
