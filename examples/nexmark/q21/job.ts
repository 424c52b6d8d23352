// Channel ids: of well-known channels by name, of the others as the url says.
import { job } from 'millrace';
import { channelEvents, isChannelBid } from '../events.ts';

export const q21 = job('nexmark-q21', (j) => {
  channelEvents(j)
    .filter(isChannelBid)
    .flatMap(({ value: { auction, bidder, price, channel, url } }) => {
      const place = ['apple', 'google', 'facebook', 'baidu'].indexOf(channel.toLowerCase());
      const id = place >= 0 ? String(place) : /(?:&|^)channel_id=([^&]*)/.exec(url)?.[1];
      return id === undefined ? [] : [{ value: { auction, bidder, price, channel, channel_id: id } }];
    })
    .toFile('result.ndjson');
});
