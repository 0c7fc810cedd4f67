import type { Activation, Asked, FieldFault } from "@quikly/participate";
import { h } from "./dom.js";
import { fill } from "./languages.js";
import type { Texts } from "./texts.js";

type Attribute = Activation["attributes"][number];
type Fault = Omit<FieldFault, "message">;
export type Way = "email" | "sms";

const AUTOCOMPLETE: Record<string, string> = { first_name: "given-name", last_name: "family-name", dob: "bday", home_city: "address-level2", country: "country" };

/** The sentence for a field's code. Codes that have none get a general one. */
const sentence = (t: Texts, { code, params }: Fault): string => {
  if (/missing|empty/.test(code)) return t.needed_;
  if (params?.longest && code !== "attribute_range") return fill(t.longest_, params.longest as number);
  if (code === "phone-other-country") return t.country_;
  return code.startsWith("phone-") && code !== "phone-invalid" ? t.notPhone_ : t.wrong_;
};

/** A box to tick, with its words beside it. */
const box = (props: Record<string, string>, words: string | Node): Node =>
  h("label", { class: "ok" }, h("input", { type: "checkbox", ...props }), h("span", {}, words));

const field = (part: string, ...children: Node[]): Node => h("div", { class: "f", part }, ...children);

/** A form of the ways and attributes of an activation. Each field has its name as its id, and nothing else but faults has one. */
export class Form {
  readonly node_ = h("form", { novalidate: true, part: "form", submit: (event) => this.#submit(event) });
  readonly #button: HTMLButtonElement;
  /** The ways that have a form. Where there are none, consumers take part in the brand's app. */
  readonly ways_: Way[];
  #way: Way;
  busy_ = false;

  /** The element says `text-id`, the consent's text that the page shows, and `label-NAME` of attributes. */
  constructor(
    readonly activation_: Activation,
    readonly texts_: Texts,
    readonly element_: Element,
    readonly send_: (asked: Asked, way: Way) => void,
  ) {
    this.ways_ = (["email", "sms"] as const).filter((way) => activation_.ways.some((known) => known.way === way));
    this.#way = this.ways_[0] ?? "email";
    this.#button = h("button", { part: "button" }, texts_.send_);
    this.#build();
  }

  get #textId(): string | null {
    return this.element_.getAttribute("text-id");
  }

  get #fields(): HTMLElement[] {
    return [...this.node_.querySelectorAll<HTMLElement>("[id]:not(p)")];
  }

  #find(name: string): HTMLElement | undefined {
    return this.#fields.find(({ id }) => id === name);
  }

  #build() {
    const { activation_: activation, texts_: t } = this;
    const rules = activation.consent;
    const byPhone = this.#way === "sms";
    const parts: Node[] = [];
    if (this.ways_.length > 1) parts.push(this.#choice());
    if (byPhone) parts.push(this.#text("phone", t.phone_, { type: "tel", autocomplete: "tel", placeholder: "(313) 555-0100" }));
    if (!byPhone || rules?.by_phone) parts.push(this.#text("email", t.mail_, { type: "email", autocomplete: "email", placeholder: "name@example.com" }));
    parts.push(...activation.attributes.map((attribute) => this.#attribute(attribute)));
    const agree = (name: string, slot: string, words: string) => parts.push(field("consent", box({ id: name, name }, h("slot", { name: slot }, words))));
    if (byPhone) agree("consent.sms", "consent-sms", t.agreeSms_);
    if (byPhone ? rules?.by_phone : rules ? rules.by_email : this.#textId) agree("consent.email", "consent", t.agreeMail_);
    this.node_.replaceChildren(...parts, this.#button);
  }

  #choice(): Node {
    const t = this.texts_;
    const option = (way: Way) =>
      h("label", {}, h("input", { type: "radio", name: "way", value: way, checked: way === this.#way, change: () => this.#choose(way) }), t[way]);
    return h("div", { class: "seg", part: "ways", role: "radiogroup", "aria-label": `${t.email} / ${t.sms}` }, ...this.ways_.map(option));
  }

  /** Changes the way. What is typed in texts is not lost. */
  #choose(way: Way) {
    const typed = [...this.node_.querySelectorAll<HTMLInputElement>("[part=input]")];
    this.#way = way;
    this.#build();
    for (const { id, value } of typed) {
      const input = this.#find(id) as HTMLInputElement | undefined;
      if (input) input.value = value;
    }
    this.node_.querySelector<HTMLInputElement>(`[value=${way}]`)?.focus();
  }

  #labelled(id: string, label: string, input: HTMLElement): Node {
    input.id = id;
    return field("field", h("label", { for: id }, label), input);
  }

  #text(name: string, label: string, props: Record<string, string | boolean | number | undefined>): Node {
    return this.#labelled(name, label, h("input", { name, part: "input", ...props }));
  }

  #attribute({ name, kind, required, choices = [], longest, min, max }: Attribute): Node {
    const { texts_: t, element_: element } = this;
    const words = element.getAttribute("label-" + name) ?? t.names_[name] ?? name.replace(/_/g, " ").replace(/^./, (first) => first.toUpperCase());
    const shown = required ? words : `${words} (${t.optional_})`;
    const id = `attributes.${name}`;
    if (kind === "list") return h("fieldset", { class: "f", id, part: "field" }, h("legend", {}, shown), ...choices.map((value) => box({ value }, value)));
    if (kind === "boolean") return field("field", box({ id, name }, shown));
    const option = (value: string) => h("option", { value }, value || "–");
    if (choices.length) return this.#labelled(id, shown, h("select", { name, part: "input" }, ...["", ...choices].map(option)));
    const number = kind === "number";
    const type = number || kind === "date" ? kind : "text";
    return this.#text(id, shown, { type, autocomplete: AUTOCOMPLETE[name] ?? "off", maxlength: kind === "text" ? longest : undefined, min, max, step: number && "any" });
  }

  #submit(event: Event) {
    event.preventDefault();
    if (this.busy_) return;
    this.fail_([]);
    const activation = this.activation_;
    const asked: Record<string, unknown> = { scope: activation.scope };
    const empty: Fault[] = [];
    for (const input of this.#fields) {
      const value = valueOf(input);
      const [group, member] = input.id.split(/\.(.*)/s) as [string, string?];
      // A box that is not ticked is no answer: `false` would withdraw an earlier consent.
      if (member) value !== "" && (((asked[group] ??= {}) as Record<string, unknown>)[member] = value);
      else if (value) asked[group] = value;
      else empty.push({ field: group, code: "missing" });
    }
    if (asked.consent) {
      const text = this.#textId ?? activation.consent?.texts[0];
      asked.consent = { ...asked.consent, ...(text && { text_id: text }), ...(/^http/.test(location.protocol) && { page: location.origin + location.pathname }) };
    }
    if (empty.length) this.fail_(empty);
    else this.send_(asked as Asked, this.#way);
  }

  /** Shows what is wrong with each field, and leads to the first. Returns whether a field was found for each fault. */
  fail_(faults: readonly Fault[]): boolean {
    for (const note of this.node_.querySelectorAll("p")) note.remove();
    for (const input of this.#fields) {
      input.ariaInvalid = null;
      input.removeAttribute("aria-describedby");
    }
    let first: HTMLElement | undefined;
    let all = true;
    for (const fault of faults) {
      const { field } = fault;
      const input = this.#find(field) ?? (field.startsWith("consent") ? this.#find("consent.email") ?? this.#find("consent.sms") : undefined);
      if (input) {
        first ??= input;
        const id = `${input.id}-fault`;
        input.ariaInvalid = "true";
        input.setAttribute("aria-describedby", id);
        input.closest(".f")?.append(h("p", { class: "err", id, part: "error" }, sentence(this.texts_, fault)));
      } else all = false;
    }
    (first?.querySelector("input") ?? first)?.focus();
    return all;
  }

  /** Shows that the answers are being sent. */
  wait_(busy: boolean) {
    const t = this.texts_;
    this.busy_ = busy;
    this.#button.ariaDisabled = `${busy}`;
    this.#button.replaceChildren(...(busy ? [h("span", { class: "sp" }), t.sending_] : [t.send_]));
  }
}

/** An answer. Where there is none, it is an empty text. */
const valueOf = (field: HTMLElement): unknown => {
  if (field.matches("fieldset")) {
    const chosen = [...field.querySelectorAll<HTMLInputElement>(":checked")].map(({ value }) => value);
    return chosen.length ? chosen : "";
  }
  const { type, checked, value } = field as HTMLInputElement;
  const text = value.trim();
  return type === "checkbox" ? checked || "" : type === "number" && text ? Number(text) : text;
};
