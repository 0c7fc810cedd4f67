/** What a page or a tag manager can listen to. No detail ever contains a contact, an answer or a code. */
export interface QuiklyEvents {
  /** The activation is on the page. */
  "quikly:shown": { scope: string; phase: "upcoming" | "open" | "closed" };
  /** The consumer has sent the form. */
  "quikly:submitted": { scope: string; way: "email" | "sms" };
  /** The participation is durable. */
  "quikly:accepted": { scope: string; way: "email" | "sms"; repeat: boolean };
  /** The outcome has changed. */
  "quikly:result": { scope: string; outcome: string; final: boolean };
  /** A request failed for good. */
  "quikly:error": { scope: string; code: string; status: number; fields: { field: string; code: string }[] };
}

declare global {
  interface HTMLElementEventMap extends QuiklyEventMap {}
  interface HTMLElementTagNameMap {
    "quikly-activation": import("./index.js").QuiklyActivation;
  }
}

type QuiklyEventMap = { [Name in keyof QuiklyEvents]: CustomEvent<QuiklyEvents[Name]> };
