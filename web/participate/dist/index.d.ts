import type { components } from "./api.js";
type Schemas = components["schemas"];
/** What a page sends to take part. */
export type Asked = Schemas["ParticipationAsked"];
/** The answer to it. Without an `id`, the consumer took part already. */
export type Accepted = Schemas["ParticipationAccepted"];
/** A participation, as the page may see it. */
export type Participation = Schemas["ShownParticipation"];
/** An activation: when it is open, how to take part, and what can be won. */
export type Activation = Schemas["ShownActivation"];
/** The counters of an incentive. */
export type Counters = Schemas["ShownIncentive"];
/** The fault of one field. `code` is stable. */
export type FieldFault = Schemas["FieldError"];
type Problem = Schemas["Problem"];
/** A request that failed for good, or that was given up. */
export declare class QuiklyError extends Error {
    readonly name = "QuiklyError";
    /** The HTTP status; 0 if there was no answer. */
    readonly status: number;
    /** A stable name, such as `activation-closed`; `network` if there was no answer. */
    readonly code: string;
    /** The fault of each field. */
    readonly fields: readonly FieldFault[];
    /** How long to wait before another try, if the server said so. */
    readonly retryAfterMs: number | undefined;
    readonly opensAt: string | undefined;
    readonly closedAt: string | undefined;
    constructor(status: number, problem?: Partial<Problem>, retryAfterMs?: number);
}
/** A request that is sent again after a while. */
export interface Retry {
    /** When, in milliseconds from now. */
    inMs: number;
    /** Why. */
    error: QuiklyError;
}
export interface Options {
    signal?: AbortSignal | undefined;
    /** How long a request is repeated before it is given up, in milliseconds. Two minutes, unless told otherwise. */
    patienceMs?: number;
    /** Called before each wait for another try. */
    onRetry?: (retry: Retry) => void;
}
export interface ParticipateOptions extends Options {
    /** The same for each repetition of one request. The SDK makes one for each call. */
    key?: string;
}
export interface ResultOptions extends Options {
    /** Called with the first answer and with every change. */
    onChange?: (participation: Participation) => void;
}
export interface Client {
    /** The server's time, in milliseconds. It is the page's own until `activation` was answered. */
    now(): number;
    activation(scope: string, options?: Options): Promise<Activation>;
    /** Takes part. A repetition after a lost answer does no harm. */
    participate(asked: Asked, options?: ParticipateOptions): Promise<Accepted>;
    /** Follows a participation until its outcome is final. It pauses while the page is hidden. */
    result(id: string, options?: ResultOptions): Promise<Participation>;
    /** Gives the counters of an incentive with every change, until they change no more. It pauses while the page is hidden. */
    watch(scope: string, incentive: string, options?: Options): AsyncGenerator<Counters, void, void>;
}
/** A random key for one participation. `crypto.randomUUID` exists only on pages that came over TLS. */
export declare const newKey: () => string;
/** Connects to the server at `base`, such as `https://take-part.example`. */
export declare const connect: (base: string) => Client;
export {};
