// CEL as it is written here, and as it is stored.

/**
 * The name of the first item of `self.<list>` for which `condition` over `x` holds, for a message. By its index, not by a
 * filter: of `self.list[i].name` the API server knows how long it may be, so it lets the text be put together.
 */
export function firstName(list: string, condition: string): string {
  return `self.${list}[self.${list}.map(x, ${condition}).indexOf(true)].name`;
}

/** Rules are written on several lines; Kubernetes wants a message of its own for those, and one line is as good. */
export function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}
