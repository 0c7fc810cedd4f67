export type { QuiklyEvents } from "./events.js";
/**
 * An activation on a page: countdown, what is left, the form, and the result.
 *
 * `base` is the server, `scope` the activation, `incentive` the one whose counter is shown (the first, unless told otherwise), and `lang`
 * the language. `text-id` names the consent's text in the slots `consent` and `consent-sms`, and `label-NAME` is the label of an attribute.
 * `participation` is the id of one whose result is shown: that of a consumer who has taken part in the brand's app, for example.
 */
export declare class QuiklyActivation extends HTMLElement {
    #private;
    static readonly observedAttributes: string[];
    constructor();
    connectedCallback(): void;
    disconnectedCallback(): void;
    attributeChangedCallback(_name: string, before: string | null, after: string | null): void;
}
