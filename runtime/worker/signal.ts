// Wakes one waiting loop: any number of `notify` before a `wait` make it return at once.

export class Signal {
  #set = false;
  #wake: (() => void) | null = null;

  notify(): void {
    this.#set = true;
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  /** Resolves at the next `notify` (or at once when there was one since the last wait). One waiter at a time. */
  async wait(): Promise<void> {
    if (!this.#set) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#set = false;
  }
}
