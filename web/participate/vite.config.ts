import { defineConfig } from "vite";
import { small } from "../small.js";

export default defineConfig({
  plugins: [small(/_$/)],
  build: { target: "es2022", emptyOutDir: true, lib: { entry: "src/index.ts", formats: ["es"], fileName: () => "index.js" } },
});
