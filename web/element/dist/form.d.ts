import type { Activation, Asked, FieldFault } from "@quikly/participate";
import type { Texts } from "./texts.js";
export type Way = "email" | "sms";
/** What the form needs of the element around it. */
export interface Surroundings {
    activation: Activation;
    texts: Texts;
    /** The label that the page gives an attribute. */
    label: (name: string) => string | null;
    /** The id of the consent's text that the page shows. */
    textId: string | null;
    send: (asked: Asked, way: Way) => void;
}
/** A form of the ways and attributes of an activation. */
export declare class Form {
    #private;
    readonly around: Surroundings;
    readonly node: HTMLFormElement;
    busy: boolean;
    constructor(around: Surroundings);
    /** Shows what is wrong with each field, and leads to the first. Returns whether a field was found for each fault. */
    fail(faults: readonly FieldFault[]): boolean;
    /** Shows that the answers are being sent. */
    send(busy: boolean): void;
}
