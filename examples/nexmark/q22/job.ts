// Folders of urls: the first three of each bid.
import { job } from 'millrace';
import { channelEvents, isChannelBid } from '../events.ts';

export const q22 = job('nexmark-q22', (j) => {
  channelEvents(j)
    .filter(isChannelBid)
    .map(({ value: { auction, bidder, price, channel, url } }) => {
      const [, , , dir1, dir2, dir3] = url.split('/');
      return { value: { auction, bidder, price, channel, dir1, dir2, dir3 } };
    })
    .toFile('result.ndjson');
});
