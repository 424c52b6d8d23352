// On a cluster whoever looks says who they are: by a token of that cluster, kept in this tab only.

import { type ReactNode, useState } from 'react';

export function TokenForm({ problem, onToken }: { readonly problem: string; readonly onToken: (token: string) => void }): ReactNode {
  const [token, setToken] = useState('');
  return (
    <form
      className="card token"
      onSubmit={(event) => {
        event.preventDefault();
        onToken(token.trim());
      }}
    >
      <h2>Who looks?</h2>
      <p>{problem}. A token that may get streamjobs in the namespace:</p>
      <pre>kubectl create token NAME --namespace NAMESPACE</pre>
      <label>
        Token
        <input type="password" autoComplete="off" value={token} onChange={(event) => setToken(event.target.value)} />
      </label>
      <button type="submit" disabled={token.trim() === ''}>
        Look
      </button>
      <p className="quiet">It stays in this tab and goes with it.</p>
    </form>
  );
}
