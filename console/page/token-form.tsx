// On a cluster whoever looks says who they are: by a token of that cluster, kept in this page only.

import { type ReactNode, useState } from 'react';
import type { Refused } from './connection.ts';
import { inert } from '../../runtime/base/inert.ts';

const GRANT = `kubectl create rolebinding NAME \\
  --namespace NAMESPACE --clusterrole view \\
  --serviceaccount NAMESPACE:ACCOUNT`;

export function TokenForm({ refused, onToken }: { readonly refused: Refused; readonly onToken: (token: string) => void }): ReactNode {
  const [token, setToken] = useState('');
  const isKnown = refused.status === 403;
  return (
    <form
      className="card token"
      onSubmit={(event) => {
        event.preventDefault();
        onToken(token.trim());
        setToken('');
      }}
    >
      <h2>{isKnown ? 'You may not see this' : 'Who looks?'}</h2>
      <p role="alert">{inert(refused.message)}.</p>
      {isKnown && (
        <>
          <p>Who administers a namespace can let an account look there:</p>
          <pre tabIndex={0}>{GRANT}</pre>
        </>
      )}
      <p>A token of somebody who may get streamjobs in a namespace:</p>
      <pre tabIndex={0}>kubectl create token ACCOUNT --namespace NAMESPACE</pre>
      <label>
        Token
        <input type="password" autoComplete="off" value={token} onChange={(event) => setToken(event.target.value)} />
      </label>
      <button type="submit" disabled={token.trim() === ''}>
        Look
      </button>
      <p className="quiet">It stays in this page and goes with it: loaded anew, it asks again.</p>
    </form>
  );
}
