import type { Texts } from "./texts.js";
/** What the element says in French. The build writes the values to a file of their own. */
export declare const fr: Texts;
