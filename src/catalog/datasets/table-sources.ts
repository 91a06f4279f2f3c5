/** Where the built-in tables are published, or that they ship with Trainyard. */
import type { Sources } from "../../data/sources.ts";

const shipped = (title: string, name: string): Sources => ({ title, files: [{ name, urls: [] }], shipped: true });

export const irisSources = shipped("Iris", "iris.csv");
export const wineSources = shipped("Wine", "wine.csv");
export const heightWeightSources = shipped("Height and weight", "height-weight.csv");
export const breastCancerSources = shipped("Breast cancer", "breast-cancer.csv");

const uci = "https://archive.ics.uci.edu/ml/machine-learning-databases/adult/";
export const adultSources: Sources = {
  title: "Adult",
  files: [
    {
      name: "adult.data",
      size: 3_974_305,
      sha256: "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
      urls: [`${uci}adult.data`],
    },
    { name: "adult.test", size: 2_003_153, urls: [`${uci}adult.test`] },
  ],
};

export const titanicSources: Sources = {
  title: "Titanic",
  files: [
    {
      name: "titanic.csv",
      size: 60_302,
      sha256: "4a437fde05fe5264e1701a7387ac6fb75393772ba38bb2c9c566405af5af4bd7",
      urls: ["https://raw.githubusercontent.com/datasciencedojo/datasets/master/titanic.csv"],
    },
  ],
};
