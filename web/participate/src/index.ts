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
export class QuiklyError extends Error {
  override readonly name = "QuiklyError";
  /** The HTTP status; 0 if there was no answer. */
  declare readonly status: number;
  /** A stable name, such as `activation-closed`; `network` if there was no answer. */
  declare readonly code: string;
  /** The fault of each field. */
  declare readonly fields: readonly FieldFault[];
  /** How long to wait before another try, if the server said so. */
  declare readonly retryAfterMs: number | undefined;
  declare readonly opensAt: string | undefined;
  declare readonly closedAt: string | undefined;

  constructor(status: number, problem: Partial<Problem> = {}, retryAfterMs?: number) {
    super(problem.title ?? "There was no answer");
    this.status = status;
    this.code = problem.type?.split(":").pop() ?? (status ? "http-" + status : "network");
    this.fields = problem.errors ?? [];
    this.retryAfterMs = problem.retry_after_ms ?? retryAfterMs;
    this.opensAt = problem.opens_at;
    this.closedAt = problem.closed_at;
  }
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

interface Answer<T> {
  body: T | undefined;
  headers: Headers;
}

/** A random key for one participation. `crypto.randomUUID` exists only on pages that came over TLS. */
export const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte + 256).toString(16).slice(1)).join("");

/** So that pages that were opened together do not ask together. */
const jitter = (ms: number): number => ms * (1 + Math.random() / 5);

/** Waits until what `begin` starts is done, or until the signal ends. A timer that it returns is cleared. */
const wait = (begin: (done: () => void) => ReturnType<typeof setTimeout> | void, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const done = () => {
      if (timer) clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      signal?.aborted ? reject(signal.reason) : resolve();
    };
    const timer = begin(done);
    signal?.addEventListener("abort", done);
  });

const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  wait((done) => setTimeout(done, ms), signal);

/** Waits while the page is hidden. */
const seen = async (signal?: AbortSignal): Promise<void> => {
  while (globalThis.document?.hidden) await wait((done) => document.addEventListener("visibilitychange", done, { once: true }), signal);
};

/** Connects to the server at `base`, such as `https://take-part.example`. */
export const connect = (base: string): Client => {
  const root = base.replace(/\/+$/, "");
  let ahead = 0;

  const once = async <T>(path: string, init: RequestInit): Promise<Answer<T>> => {
    const response = await fetch(root + path, init).catch(() => undefined);
    const { status = 0, ok, headers = new Headers() } = response ?? {};
    const body = await response?.json().catch(() => undefined);
    if (status === 304 || (ok && body)) return { body, headers };
    init.signal?.throwIfAborted();
    // An answer that broke off is no answer.
    throw new QuiklyError(ok ? 0 : status, body, Number(headers.get("retry-after")) * 1000 || undefined);
  };

  const call = async <T>(path: string, init: RequestInit, options: Options = {}): Promise<Answer<T>> => {
    const { signal, patienceMs = 120_000, onRetry } = options;
    init.signal = signal!;
    const until = Date.now() + patienceMs;
    for (let backOff = 1000; ; backOff = Math.min(backOff * 2, 15_000)) {
      try {
        return await once<T>(path, init);
      } catch (error) {
        if (!(error instanceof QuiklyError)) throw error;
        const { status, retryAfterMs } = error;
        const passes = !status || status === 408 || status === 429 || status >= 500;
        const inMs = jitter(retryAfterMs || backOff);
        if (!passes || error.code === "unreadable-participation" || Date.now() + inMs > until) throw error;
        onRetry?.({ inMs, error });
        await pause(inMs, signal);
      }
    }
  };

  return {
    now: () => Date.now() + ahead,

    async activation(scope, options) {
      const { body, headers } = await call<Activation>("/activations/" + encodeURIComponent(scope), { cache: "no-cache" }, options);
      // The time in a body that a cache kept is old, and the header's is of this answer.
      ahead = Math.max(Date.parse(body!.now), Date.parse(headers.get("date")!) || 0) - Date.now();
      return body!;
    },

    async participate(asked, options = {}) {
      const headers = { "content-type": "application/json", "idempotency-key": options.key ?? newKey() };
      const init = { method: "POST", headers, body: JSON.stringify(asked) };
      return (await call<Accepted>("/participations", init, options)).body!;
    },

    async result(id, options = {}) {
      const { signal, onChange } = options;
      const path = "/participations/" + encodeURIComponent(id);
      let last: Participation | undefined;
      let tag = "";
      for (;;) {
        await seen(signal);
        const began = Date.now();
        const answer = await call<Participation>(path + (tag && "?wait=10"), { cache: "no-store", headers: tag ? { "if-none-match": tag } : {} }, options);
        tag = answer.headers.get("etag") ?? "";
        if (answer.body) {
          last = answer.body;
          onChange?.(last);
        }
        if (last!.final) return last!;
        // Where the server held the request, this time has passed.
        await pause(Math.max(jitter(0.9 * (last!.next_ms ?? 1000)) - (Date.now() - began), 0), signal);
      }
    },

    async *watch(scope, incentive, options = {}) {
      const path = "/incentives/" + encodeURIComponent(scope) + "/" + encodeURIComponent(incentive);
      for (let tag: string | null = ""; ; ) {
        await seen(options.signal);
        const { body, headers }: Answer<Counters> = await call(path, { cache: "no-cache" }, options);
        if (body && headers.get("etag") !== tag) yield body;
        tag = headers.get("etag");
        if (!body!.next_ms) return;
        await pause(jitter(0.9 * body!.next_ms), options.signal);
      }
    },
  };
};
