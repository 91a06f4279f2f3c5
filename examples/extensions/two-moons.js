/** A dataset in one file: two interleaved half circles. */
export default ({ dataset, integer, number, random }) => ({
  datasets: [
    dataset({
      id: "two-moons",
      title: "Two moons",
      summary: "Two half circles that reach into each other: no straight line tells them apart.",
      task: "classification",
      target: "moon",
      labels: ["lower", "upper"],
      features: { x: "number", y: "number" },
      records: { train: 320, test: 80 },
      suggestedModel: "mlp",
      params: {
        noise: number({ default: 0.15, min: 0, max: 2, help: "Standard deviation of what is added to each point." }),
        drawSeed: integer({ default: 1, min: 0, help: "Settles the points." }),
      },
      *rows({ noise, drawSeed }) {
        const draw = random(drawSeed, "two-moons");
        const errors = draw.fillNormal(new Float32Array(800), 0, noise);
        for (let i = 0; i < 400; i++) {
          const [upper, angle] = [i % 2 === 0, draw.next() * Math.PI];
          const [x, y] = upper ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
          yield [x + errors[2 * i], y + errors[2 * i + 1], upper ? "upper" : "lower"];
        }
      },
    }),
  ],
});
