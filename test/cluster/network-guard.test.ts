import { expect, test } from 'vitest';
import { missingInNode } from './network-guard.ts';

/** As `nft list table ip node` prints it. */
const table = `table ip node {
	chain dns {
		ip daddr 172.30.0.1 udp dport 53 dnat to 127.0.0.11:60170
	}

	chain stay {
		oifname "eth0" ip daddr != 172.30.0.0/24 rt ip nexthop 172.30.0.1 counter packets 2 bytes 120 reject with icmp net-unreachable
	}

	chain stayout {
		type filter hook output priority 10; policy accept;
		jump stay
	}

	chain stayfwd {
		type filter hook forward priority 10; policy accept;
		jump stay
	}
}
`;
const all = ['the refusing rule of chain stay', 'the jump from output to chain stay', 'the jump from forward to chain stay'];

test.each([
  { fact: 'the whole table', text: table, missing: [] },
  { fact: 'no table', text: '', missing: all },
  { fact: 'a rule that only counts', text: table.replace('reject with icmp net-unreachable', ''), missing: [all[0]] },
  {
    fact: 'a chain without its jump',
    text: table.replace('priority 10; policy accept;\n\t\tjump stay', 'priority 10;'),
    missing: [all[1]],
  },
  {
    fact: 'a chain that no hook calls',
    text: table.replace('type filter hook forward priority 10; policy accept;', ''),
    missing: [all[2]],
  },
])('guard of a node: $fact', ({ text, missing }) => {
  expect(missingInNode(text)).toEqual(missing);
});
