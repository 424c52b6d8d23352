// the machine emits nothing of type "knockon"; it emits:
import { aircraft, movements } from '../prelude.ts';
movements
  .filter((m) => m.type === 'departed')
  .map((m) => ({ ...m, type: 'departed' as const }))
  .keyBy('tailnum')
  .machine(aircraft)
  .output('knockon');
