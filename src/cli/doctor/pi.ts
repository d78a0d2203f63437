/** What is peculiar to Raspberry Pis: which UART the port is, whether it is enabled, and who else uses it. */
import { failure, ok, warning, type Check } from './check.ts';
import type { Machine } from './machine.ts';

/** Lines of config.txt that hold for this model, `[all]` and the sections of its name. */
function settingsFor(config: string, model: number): string[] {
  let applies = true;
  const lines: string[] = [];
  for (const raw of config.split('\n')) {
    const line = raw.replace(/#.*/, '').trim();
    const section = /^\[(.+)\]$/.exec(line)?.[1];
    if (section !== undefined) applies = section === 'all' || section === `pi${model}`;
    else if (applies && line !== '') lines.push(line.replace(/\s*=\s*/g, '='));
  }
  return lines;
}

export function piChecks(machine: Machine, port: string): Check[] {
  const name = machine.text('/proc/device-tree/model')?.replace(/\0/g, '').trim() ?? null;
  if (name === null || !/^Raspberry Pi/.test(name))
    return [
      ok('machine', name === null ? 'no Raspberry Pi: its UART needs no config.txt' : `${name}, no Raspberry Pi`),
    ];
  const model = Number(/Raspberry Pi (?:Compute Module )?(\d)/.exec(name)?.[1] ?? 1);
  const path = ['/boot/firmware/config.txt', '/boot/config.txt'].find((one) => machine.text(one) !== null);
  const settings = settingsFor(path === undefined ? '' : (machine.text(path) ?? ''), model);
  return [
    ok('machine', name),
    uart(settings, path ?? '/boot/firmware/config.txt', model),
    whichUart(machine, port, settings, path ?? '/boot/firmware/config.txt', model),
  ];
}

function last(settings: readonly string[], key: string): string | undefined {
  return settings.findLast((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);
}

const overlays = (settings: readonly string[]): string[] =>
  settings.filter((line) => line.startsWith('dtoverlay=')).map((line) => line.slice('dtoverlay='.length));

function uart(settings: readonly string[], file: string, model: number): Check {
  const gpioOn5 = settings.some((line) => /^dtparam=(.*,)?uart0(=on)?(,|$)/.test(line));
  if (last(settings, 'enable_uart') === '1' || (model >= 5 && gpioOn5)) return ok('uart', `${file} enables the UART`);
  return failure(
    'uart',
    last(settings, 'enable_uart') === '0' ? `${file} says enable_uart=0` : `${file} does not enable the UART`,
    model >= 5
      ? `echo dtparam=uart0=on | sudo tee -a ${file} && sudo reboot; the port is then /dev/ttyAMA0`
      : `echo enable_uart=1 | sudo tee -a ${file} && sudo reboot`,
  );
}

/** Pi 3, 4 and Zero W give their full UART to Bluetooth and GPIO 14/15 to the mini UART; Pi 5's serial0 is its debug connector. */
function whichUart(machine: Machine, port: string, settings: readonly string[], file: string, model: number): Check {
  const device = machine.resolve(port).replace('/dev/', '');
  if (model >= 5) {
    if (device === 'ttyAMA10')
      return failure(
        'bluetooth',
        `${port} is ttyAMA10, the debug connector between the HDMI sockets, not GPIO 14/15`,
        `echo dtparam=uart0=on | sudo tee -a ${file} && sudo reboot, then --port /dev/ttyAMA0`,
      );
    return ok('bluetooth', `${device} is no business of Bluetooth on this model`);
  }
  if (model < 3) return ok('bluetooth', 'this model has no Bluetooth on a UART');
  const freed = overlays(settings).find((name) => /^(pi3-)?(disable-bt|miniuart-bt)\b/.test(name));
  if (device === 'ttyAMA0' && freed === undefined)
    return failure(
      'bluetooth',
      `${port} is ttyAMA0, which belongs to Bluetooth on this model`,
      `use /dev/serial0, or echo dtoverlay=disable-bt | sudo tee -a ${file} && sudo systemctl disable hciuart && sudo reboot`,
    );
  if (device === 'ttyS0' && freed !== undefined)
    return warning(
      'bluetooth',
      `${file} says dtoverlay=${freed}, which moves GPIO 14/15 to ttyAMA0, and ${port} is ttyS0`,
      'use /dev/serial0 or --port /dev/ttyAMA0; reboot if the overlay is new',
    );
  const clock = last(settings, 'core_freq') !== undefined && last(settings, 'core_freq_min') === undefined;
  if (device === 'ttyS0' && clock && last(settings, 'force_turbo') !== '1')
    return warning(
      'bluetooth',
      `${port} is the mini UART, whose speed follows the core clock, and ${file} sets core_freq`,
      `take core_freq out, or echo dtoverlay=disable-bt | sudo tee -a ${file} and use ttyAMA0`,
    );
  return ok('bluetooth', device === 'ttyS0' ? `${port} is the mini UART, and its clock is fixed` : `${device} is free`);
}
