import { createHash } from "node:crypto";
import { transformWithEsbuild, type Plugin } from "vite";

/** Takes the space out of a library's code, which Vite leaves in. */
export const small = (): Plugin => ({
  name: "small",
  async generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== "chunk") continue;
      const { code } = await transformWithEsbuild(chunk.code, "chunk.js", { minify: true, target: "es2022", legalComments: "none", charset: "utf8" });
      chunk.code = code;
    }
  },
});

/** Takes the space out of a style sheet that is imported as a text. */
export const smallStyle = (): Plugin => ({
  name: "small-style",
  enforce: "pre",
  transform(code, id) {
    if (!id.endsWith("style.css?raw")) return null;
    const text: string = JSON.parse(code.slice(code.indexOf('"'), code.lastIndexOf('"') + 1));
    const small = text.replace(/\/\*[^]*?\*\//g, "").replace(/\s+/g, " ").replace(/ ?([{};,>]) ?/g, "$1").replace(/: /g, ":").replace(/;}/g, "}");
    return `export default ${JSON.stringify(small.trim())}`;
  },
});

/** Writes the tag with which a page loads a script. Its hash lets the browser refuse any other script. */
export const tag = (script: string, page: string): Plugin => ({
  name: "tag",
  enforce: "post",
  generateBundle: {
    order: "post",
    handler(_options, bundle) {
      const chunk = bundle[script];
      if (chunk?.type !== "chunk") throw new Error(`${script} is missing`);
      const hash = createHash("sha384").update(chunk.code).digest("base64");
      const source = `<script type="module" src="/widget/${script}" integrity="sha384-${hash}" crossorigin></script>\n`;
      this.emitFile({ type: "asset", fileName: page, source });
    },
  },
});
