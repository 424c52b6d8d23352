// Which Node goes into an image.
import { existsSync } from 'node:fs';
import { askNode, installedNodePath } from '../cli/setup/node-runtime.mjs';

/** What runs in a cluster is one line of Node, whatever the machine has. */
const majorWanted = '24';

/** The Node of node_modules, else the one that runs this. Throws when neither is a Node 24 for Linux. */
export function findNodeForImages(): string {
  if (process.platform !== 'linux')
    throw new Error(
      `images are made of the files of a Linux machine, and this is ${process.platform}; docker build with images/*/Dockerfile works here`,
    );
  const candidates = [...(existsSync(installedNodePath) ? [installedNodePath] : []), process.execPath];
  const versions = candidates.map((path) => [path, versionOf(path)] as const);
  const found = versions.find(([, version]) => version.startsWith(`${majorWanted}.`));
  if (found === undefined) {
    const seen = versions.map(([path, version]) => `${path} is ${version}`).join(', ');
    throw new Error(
      `no Node ${majorWanted} to put into images: ${seen}; nothing was written. \`npm start\` once installs one for this folder`,
    );
  }
  return found[0];
}

function versionOf(path: string): string {
  const answer = askNode(path);
  return 'version' in answer ? answer.version : answer.problem;
}
