export type Child = Node | string | false | undefined | null;
type Props = Record<string, string | number | boolean | ((event: Event) => void) | undefined>;

export const real = (children: Child[]) => children.filter((child) => child) as (Node | string)[];

/** Makes an element. Texts become text nodes, so nothing that a server or a page says is ever read as markup. */
export const h = <K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if ((value ?? false) !== false) element.setAttribute(name, value as string);
  }
  element.append(...real(children));
  return element;
};
