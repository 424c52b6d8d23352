// Texts that are longer than there is room for end in an ellipsis. Pure.

/** No character is halved: the API server would store another text than was written, and be told again each round. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const [end, isPair] = [max - 1, (text.codePointAt(max - 2) ?? 0) > 0xffff];
  return `${text.slice(0, isPair ? end - 1 : end)}…`;
}

/** `text`, or what was cut from it. */
export function isCutOf(cutText: string, text: string): boolean {
  return cutText === text || (cutText.endsWith('…') && text.startsWith(cutText.slice(0, -1)));
}
