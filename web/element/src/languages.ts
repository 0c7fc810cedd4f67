import { en, type Texts } from "./texts.js";

let french: Texts | undefined;

export const textsOf = (lang: string): Texts => (lang.startsWith("fr") && french) || en;

/** Loads the texts of a language from where the script is. Without an answer, or if the file is another one, English remains. */
export const load = async (lang: string): Promise<void> => {
  if (french || !lang.startsWith("fr")) return;
  try {
    // A file that a cache kept from before the last release would not have this hash.
    const init: RequestInit = { cache: "no-cache", integrity: "HASH OF v1.fr.json", signal: AbortSignal.timeout(3000) };
    const answer = await fetch(new URL(/* @vite-ignore */ "v1.fr.json", import.meta.url), init);
    french = await answer.json();
  } catch {
    // It is tried again at the next start.
  }
};

/** Puts values in the places `{0}`, `{1}` and so on. */
export const fill = (words: string, ...values: (string | number)[]): string => words.replace(/\{(\d)}/g, (_, place) => values[place] as string);
