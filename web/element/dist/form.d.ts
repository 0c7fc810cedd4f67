import type { Activation, Asked, FieldFault } from "@quikly/participate";
import type { Texts } from "./texts.js";
type Fault = Omit<FieldFault, "message">;
export type Way = "email" | "sms";
/** A form of the ways and attributes of an activation. Each field has its name as its id, and nothing else but faults has one. */
export declare class Form {
    #private;
    readonly activation_: Activation;
    readonly texts_: Texts;
    readonly element_: Element;
    readonly send_: (asked: Asked, way: Way) => void;
    readonly node_: HTMLFormElement;
    /** The ways that have a form. Where there are none, consumers take part in the brand's app. */
    readonly ways_: Way[];
    busy_: boolean;
    /** The element says `text-id`, the consent's text that the page shows, and `label-NAME` of attributes. */
    constructor(activation_: Activation, texts_: Texts, element_: Element, send_: (asked: Asked, way: Way) => void);
    /** Shows what is wrong with each field, and leads to the first. Returns whether a field was found for each fault. */
    fail_(faults: readonly Fault[]): boolean;
    /** Shows that the answers are being sent. */
    wait_(busy: boolean): void;
}
export {};
