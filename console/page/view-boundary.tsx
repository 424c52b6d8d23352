// Around a view: whatever is wrong with what it was given, the rest of the page stays, and says so.

import { Component, type ReactNode } from 'react';
import { inert } from '../../runtime/base/inert.ts';

type Props = { readonly children: ReactNode };

export class ViewBoundary extends Component<Props, { readonly problem: string | null }> {
  override state = { problem: null };

  static getDerivedStateFromError(error: unknown): { readonly problem: string } {
    return { problem: error instanceof Error ? error.message : String(error) };
  }

  override render(): ReactNode {
    const { problem } = this.state;
    if (problem === null) return this.props.children;
    return (
      <section className="card" role="alert">
        <h2>This view cannot be shown</h2>
        <p>The server told something that the page does not understand; the other views go on.</p>
        <pre tabIndex={0}>{inert(problem)}</pre>
        <button type="button" onClick={() => this.setState({ problem: null })}>
          Try again
        </button>
      </section>
    );
  }
}
