/** Types of the used part of blessed-contrib: its drawing surface, without the other widgets (120 ms to load). */
declare module 'blessed-contrib/lib/widget/canvas.js' {
  interface Context {
    beginPath(): void;
    moveTo(x: number, y: number): void;
    lineTo(x: number, y: number): void;
    stroke(): void;
    /** One byte a cell: the eight dots of a braille sign. */
    _canvas: { content: Uint8Array };
  }
  interface Canvas {
    canvasSize: { width: number; height: number };
    ctx: Context;
    calcSize(): void;
    emit(event: 'attach'): void;
  }
  const create: (options: { screen: unknown; width: number; height: number }) => Canvas;
  export default create;
}
