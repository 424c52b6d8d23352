// this stream already has a key: two keys in a row leave the first without use
import { flights } from '../prelude.ts';
flights.keyBy('origin').keyBy('tailnum');
