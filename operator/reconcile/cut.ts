// Texts that are longer than there is room for end in an ellipsis. Pure.

export function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}

/** `text`, or what was cut from it. */
export function isCutOf(cutText: string, text: string): boolean {
  return cutText === text || (cutText.endsWith('…') && text.startsWith(cutText.slice(0, -1)));
}
