import { connect, QuiklyError, type Activation, type Client, type Counters, type Participation, type Retry } from "@quikly/participate";
import { h, type Child } from "./dom.js";
import type { QuiklyEvents } from "./events.js";
import { Form, type Way } from "./form.js";
import style from "./style.css?raw";
import { textsOf, type Texts } from "./texts.js";

export type { QuiklyEvents } from "./events.js";

/** Counters are read out at most this often. */
const ANNOUNCED_EVERY = 10_000;

const sheet = new CSSStyleSheet();
sheet.replaceSync(style);

/**
 * An activation on a page: countdown, what is left, the form, and the result.
 *
 * `base` is the server, `scope` the activation, `incentive` the one whose counter is shown (the first, unless told otherwise), and `lang`
 * the language. `text-id` names the consent's text in the slots `consent` and `consent-sms`, and `label-NAME` is the label of an attribute.
 */
export class QuiklyActivation extends HTMLElement {
  static readonly observedAttributes = ["base", "scope", "incentive", "lang", "text-id"];

  readonly #view = h("div", { class: "in", part: "body" });
  readonly #live = h("p", { class: "vh", "aria-live": "polite" });
  #ends: AbortController | undefined;
  #client!: Client;
  #activation!: Activation;
  #counters: Pick<Counters, "quantity" | "remaining"> | undefined;
  #form: Form | undefined;
  #shown = "";
  #announced = 0;
  #outcome = "";

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(h("section", { class: "qa", part: "element" }, this.#view, this.#live));
  }

  connectedCallback() {
    this.#start();
  }

  disconnectedCallback() {
    this.#ends?.abort();
  }

  attributeChangedCallback(_name: string, before: string | null, after: string | null) {
    if (this.#ends && before !== after) this.#start();
  }

  get #lang(): string {
    return this.closest<HTMLElement>("[lang]")?.lang || navigator.language || "en";
  }

  get #t(): Texts {
    return textsOf(this.#lang);
  }

  get #scope(): string {
    return this.getAttribute("scope") ?? "";
  }

  #number(value: number): string {
    return value.toLocaleString(this.#lang);
  }

  #moment(at: string | number): string {
    return new Intl.DateTimeFormat(this.#lang, { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "numeric", minute: "2-digit" }).format(new Date(at));
  }

  #tell<K extends keyof QuiklyEvents>(name: K, detail: QuiklyEvents[K]) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  #start() {
    this.#ends?.abort();
    const ends = (this.#ends = new AbortController());
    this.#shown = this.#outcome = "";
    this.#form = this.#counters = undefined;
    this.#client = connect(this.getAttribute("base") ?? "");
    this.#run(ends.signal).catch((error: unknown) => {
      if (!ends.signal.aborted) this.#fail(error);
    });
  }

  async #run(signal: AbortSignal) {
    const ticks = setInterval(() => this.#tick(), 1000);
    signal.addEventListener("abort", () => clearInterval(ticks));
    await this.#load(signal);
    this.#tell("quikly:shown", { scope: this.#scope, phase: this.#activation.phase });
    const id = kept(this.#scope);
    if (id) {
      try {
        await this.#follow(id, signal);
        return;
      } catch (error) {
        if (!(error instanceof QuiklyError) || error.status !== 404) throw error;
        keep(this.#scope, "");
      }
    }
    this.#draw();
  }

  async #load(signal: AbortSignal) {
    this.#activation = await this.#client.activation(this.#scope, { signal, onRetry: (retry) => this.#wait(retry) });
    this.#count();
    const { incentives } = this.#activation;
    const incentive = this.getAttribute("incentive") ?? incentives[0]?.id;
    this.#counters = incentives.find(({ id }) => id === incentive);
    if (incentive && this.#phase === "open") this.#watch(incentive, signal).catch(() => {});
  }

  async #watch(incentive: string, signal: AbortSignal) {
    for await (const counters of this.#client.watch(this.#scope, incentive, { signal })) {
      this.#counters = counters;
      this.#count();
    }
  }

  get #phase(): Activation["phase"] {
    const now = this.#client.now();
    const { opens, closes } = this.#activation;
    return now < Date.parse(opens) ? "upcoming" : now < Date.parse(closes) ? "open" : "closed";
  }

  /** Shows a view. Focus stays in the element. */
  #show(view: string, ...children: Child[]) {
    if (this.#shown === view && view.startsWith("open")) return;
    const had = this.shadowRoot?.activeElement;
    this.#shown = view;
    this.#view.lang = this.#t === textsOf("fr") ? "fr" : "en";
    this.#view.classList.toggle("bad", view === "offline" || view === "failed");
    this.#view.replaceChildren(...children.filter((child) => child instanceof Node));
    const heading = this.#view.querySelector("h2");
    this.#live.textContent = heading?.textContent ?? "";
    if (had && heading) {
      heading.tabIndex = -1;
      heading.focus();
    }
  }

  #draw() {
    const t = this.#t;
    const phase = this.#phase;
    if (phase === "upcoming") {
      this.#say("upcoming", `${t.opens} ${this.#moment(this.#activation.opens)}`, h("div", { class: "clock", role: "timer" }), text(t.notYet), this.#head());
    } else if (phase === "closed") {
      this.#closed(this.#activation.closes);
    } else {
      this.#form ??= new Form({
        activation: this.#activation,
        texts: t,
        label: (name) => this.getAttribute(`label-${name}`),
        textId: this.getAttribute("text-id"),
        send: (asked, way) => {
          const signal = this.#ends?.signal;
          this.#send(asked, way).catch((error: unknown) => {
            if (!signal?.aborted) this.#fail(error);
          });
        },
      });
      this.#show("open", this.#head(), h("progress", { "aria-hidden": "true", part: "bar" }), this.#form.node);
    }
    this.#tick();
    this.#count();
  }

  #head(): Node {
    return h("div", { class: "head", part: "head" }, h("b", { class: "left" }), h("span", { class: "until", role: "timer" }));
  }

  /** Brings the clock up to date. */
  #tick() {
    if (this.#shown !== "upcoming" && this.#shown !== "open") return;
    const phase = this.#phase;
    if ((this.#shown === "open") !== (phase === "open")) {
      const signal = this.#ends?.signal;
      this.#shown = "";
      if (signal && phase === "open") this.#load(signal).then(() => this.#draw(), () => this.#draw());
      else if (!this.#form?.busy) this.#draw();
      return;
    }
    const t = this.#t;
    const s = Math.max(0, Math.ceil((Date.parse(phase === "open" ? this.#activation.closes : this.#activation.opens) - this.#client.now()) / 1000));
    const parts = [Math.floor(s / 86_400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60, s % 60];
    const two = (value: number) => String(value).padStart(2, "0");
    const clock = this.#view.querySelector(".clock");
    const shown = parts.map((value, place) => ({ value, unit: t.units[place] ?? "" })).slice(parts[0] ? 0 : 1);
    clock?.replaceChildren(...shown.map(({ value, unit }) => h("div", {}, h("b", {}, two(value)), h("span", {}, unit))));
    const until = this.#view.querySelector(".until");
    // A close that is years away is nothing to count down to.
    if (until && phase === "open" && s < 100 * 86_400) {
      const days = parts[0] ? `${this.#number(parts[0])} ${t.units[0]} ` : "";
      until.replaceChildren(`${t.closes} `, h("b", {}, days + parts.slice(1).map(two).join(":")));
    }
  }

  /** Brings the counter up to date. */
  #count() {
    const left = this.#view.querySelector(".left");
    const bar = this.#view.querySelector("progress");
    const { quantity = null, remaining = null } = this.#counters ?? {};
    if (!left || quantity === null || remaining === null) {
      bar?.remove();
      return;
    }
    const t = this.#t;
    const words = remaining ? t.left(this.#number(remaining), this.#number(quantity)) : t.none(this.#number(quantity));
    if (left.textContent === words) return;
    left.textContent = words;
    if (bar) [bar.max, bar.value] = [quantity, remaining];
    if (Date.now() - this.#announced > ANNOUNCED_EVERY) {
      this.#announced = Date.now();
      this.#live.textContent = words;
    }
  }

  /** A request is sent again after a while. The form keeps what was typed. */
  #wait({ inMs, error }: Retry) {
    const t = this.#t;
    const until = Date.now() + inMs;
    const line = h("p", { class: "sm" });
    const count = () => {
      line.textContent = t.next(this.#number(Math.max(0, Math.ceil((until - Date.now()) / 1000))));
      if (!line.isConnected) clearInterval(ticks);
    };
    this.#say(error.status ? "busy" : "offline", error.status ? t.busy : t.offline, line);
    const ticks = setInterval(count, 500);
    count();
  }

  async #send(asked: Parameters<Client["participate"]>[0], way: Way) {
    const signal = this.#ends?.signal;
    this.#form?.send(true);
    this.#tell("quikly:submitted", { scope: this.#scope, way });
    const accepted = await this.#client.participate(asked, { signal, onRetry: (retry) => this.#wait(retry) });
    this.#tell("quikly:accepted", { scope: this.#scope, way, repeat: accepted.repeat });
    const t = this.#t;
    const { id, position } = accepted;
    if (!id) {
      this.#say("already", t.already);
      return;
    }
    keep(this.#scope, id);
    this.#say("on", position ? big(t.place, this.#number(position), "") : t.on, text(t.soon));
    if (signal) await this.#follow(id, signal);
  }

  async #follow(id: string, signal: AbortSignal) {
    await this.#client.result(id, { signal, onChange: (participation) => this.#result(participation) });
  }

  #result(participation: Participation) {
    const { outcome, state, position, waiting, waiting_at_least: ahead, quantity, reward, no_reward: why, ticket, answer_by: by } = participation;
    const t = this.#t;
    const told = outcome + participation.final;
    if (told !== this.#outcome) this.#tell("quikly:result", { scope: this.#scope, outcome, final: participation.final });
    this.#outcome = told;
    const n = (value: number) => this.#number(value);
    const limit = quantity ? `${t.of} ${n(quantity)}` : "";
    const slot = h("slot", { name: outcome });
    if (outcome === "won") this.#say("won", position ? big(t.place, n(position), limit) : t.won, this.#code(reward), slot);
    else if (outcome === "waiting") this.#say("waiting", big(t.none(n(quantity ?? 0)), n(waiting ?? ahead ?? 0), waiting ? t.line : t.ahead), text(t.waiting), slot);
    else if (outcome === "entered") {
      const drawn = this.#activation.incentives.find(({ id }) => id === participation.incentive)?.drawn_by;
      this.#say("entered", ticket ? big(t.ticket, ticket.slice(0, 8), "") : t.entered, drawn && text(`${t.drawn} ${this.#moment(drawn)}`), slot);
    } else if (outcome === "nothing") this.#say("nothing", t.nothing, text(t.reasons[why ?? ""] ?? ""), this.#code(reward), slot);
    else if (outcome === "refused") this.#say("refused", t.refused, slot);
    else if (state === "awaiting_opt_in") {
      const mail = this.#activation.ways.some(({ way, answer_within_s: within }) => way === "email" && within);
      this.#say("answer", mail ? t.confirm : t.answer, by && text(`${t.until} ${this.#moment(by)}.`), h("slot", { name: "answer" }));
    } else this.#say("on", position ? big(t.place, n(position), limit) : t.on, text(t.soon), slot);
  }

  #code(reward: unknown): Node | undefined {
    if (reward === null || reward === undefined) return undefined;
    const t = this.#t;
    const code = String(reward);
    const button = h("button", { type: "button", part: "copy", click: () => copy() }, t.copy);
    const copy = () => {
      navigator.clipboard?.writeText(code).then(
        () => (button.textContent = this.#live.textContent = t.copied),
        () => {},
      );
    };
    return h("div", { class: "code", part: "code" }, h("code", {}, code), button);
  }

  #fail(error: unknown) {
    const t = this.#t;
    const { code, status, fields, opensAt, closedAt } = error instanceof QuiklyError ? error : new QuiklyError(0);
    this.#tell("quikly:error", { scope: this.#scope, code, status, fields: fields.map((fault) => ({ field: fault.field, code: fault.code })) });
    this.#form?.send(false);
    if (closedAt) this.#closed(closedAt);
    else if (opensAt) this.#say("early", `${t.opens} ${this.#moment(opensAt)}`);
    else if (code === "activation-full" || status === 404) this.#say("gone", status === 404 ? t.gone : t.full);
    else {
      if (this.#form && fields.length) {
        this.#draw();
        if (this.#form.fail(fields)) return;
      }
      const again = () => (this.#form ? this.#draw() : this.#start());
      this.#say("failed", t.failed, h("button", { type: "button", click: again }, t.again));
    }
  }

  #closed(at: string) {
    this.#say("closed", this.#t.over, text(`${this.#t.closed} ${this.#moment(at)}`), h("slot", { name: "closed" }));
  }

  /** Shows a view that begins with a heading. */
  #say(view: string, heading: string | Node, ...children: Child[]) {
    this.#show(view, typeof heading === "string" ? h("h2", {}, heading) : heading, ...children);
  }
}

const text = (words: string) => h("p", { class: "sm" }, words);

/** A place is the largest thing on the page. */
const big = (above: string, value: string, beside: string) =>
  h("h2", { class: "big" }, h("span", { class: "sm" }, above), " ", h("span", { class: "no", part: "place" }, value), " ", h("small", {}, beside));

/** Only the id of the participation is kept, and only for this tab. Where storage is blocked, it is not. */
const kept = (scope: string): string | null => {
  try {
    return sessionStorage.getItem(`quikly:${scope}`);
  } catch {
    return null;
  }
};

const keep = (scope: string, id: string) => {
  try {
    sessionStorage.setItem(`quikly:${scope}`, id);
  } catch {
    // The result is shown until the page is left.
  }
};

if (!customElements.get("quikly-activation")) customElements.define("quikly-activation", QuiklyActivation);
