export type Child = Node | string | false | undefined | null;
type Props = Record<string, string | number | boolean | ((event: Event) => void) | undefined>;
export declare const real: (children: Child[]) => (Node | string)[];
/** Makes an element. Texts become text nodes, so nothing that a server or a page says is ever read as markup. */
export declare const h: <K extends keyof HTMLElementTagNameMap>(tag: K, props?: Props, ...children: Child[]) => HTMLElementTagNameMap[K];
export {};
