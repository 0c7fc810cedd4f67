import { type Texts } from "./texts.js";
export declare const textsOf: (lang: string) => Texts;
/** Loads the texts of a language from where the script is. Without an answer, or if the file is another one, English remains. */
export declare const load: (lang: string) => Promise<void>;
/** Puts values in the places `{0}`, `{1}` and so on. */
export declare const fill: (words: string, ...values: (string | number)[]) => string;
