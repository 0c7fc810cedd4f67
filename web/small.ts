import { createHash } from "node:crypto";
import { minify } from "terser";
import type { Plugin, Rollup } from "vite";

type Then = (this: Rollup.PluginContext, code: string, short: (name: string) => string) => string;

/** Makes a library's code small, which Vite does only in part. Members with such names get short ones, which `then` is told. */
export const small = (inner: RegExp, then?: Then): Plugin => ({
  name: "small",
  async generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== "chunk") continue;
      const names: { props?: { props: Record<string, string> } } = {};
      const { code = "" } = await minify(chunk.code, {
        module: true,
        ecma: 2020,
        compress: { passes: 3, unsafe_arrows: true, keep_fargs: false, sequences: false, pure_getters: true },
        mangle: { properties: { regex: inner } },
        nameCache: names,
      });
      const short = (name: string) => names.props?.props[`$${name}`] ?? name;
      chunk.code = then ? then.call(this, code, short) : code;
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
