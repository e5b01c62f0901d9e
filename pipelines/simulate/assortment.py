"""The categories of the simulated store, and the words of its item names."""

from dataclasses import dataclass

SIZES = ("", "Small", "Large", "Mini", "Classic", "Tall", "Round", "Slim", "Deluxe", "Everyday")


@dataclass(frozen=True)
class Category:
    """One category of items."""

    name: str
    styles: tuple[str, ...]
    nouns: tuple[str, ...]
    brands: tuple[str, ...]
    price_median: float
    share: float  # of demand, relative to the other categories
    return_rate: float  # per line
    peak_day: int  # of the year
    amplitude: float  # of the season, relative to the mean
    goes_with: str
    cycle_days: int = 0  # how long one unit lasts; 0 where things are not used up


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


CATEGORIES: tuple[Category, ...] = (
    Category(
        name="Coffee & Tea",
        styles=_words("Dark Roast, Single Origin, Organic, Decaf, Vanilla, House Blend, Smoky, Mountain, Fair Trade"),
        nouns=_words("Coffee Beans, Espresso, Ground Coffee, Earl Grey, Green Tea, Herbal Tea, Chai, Drip Bags"),
        brands=("Harbour Roasters", "Leaf & Kettle", "Finca Alba"),
        price_median=9.5,
        share=1.6,
        return_rate=0.005,
        peak_day=20,
        amplitude=0.15,
        goes_with="Coffee Gear",
        cycle_days=30,
    ),
    Category(
        name="Coffee Gear",
        styles=_words("Oak, Steel, Copper, Glass, Ceramic, Walnut, Matte Black, Enamel, Bamboo"),
        nouns=_words("Coffee Grinder, Pour-Over Set, French Press, Teapot, Milk Frother, Kettle, Mug, Espresso Cup"),
        brands=("Brewhaus", "Leaf & Kettle", "Nordlicht"),
        price_median=28.0,
        share=0.9,
        return_rate=0.05,
        peak_day=345,
        amplitude=0.35,
        goes_with="Coffee & Tea",
    ),
    Category(
        name="Kitchen",
        styles=_words("Cast Iron, Stainless, Acacia, Non-Stick, Silicone, Marble, Beech, Copper, Ceramic"),
        nouns=_words("Skillet, Chopping Board, Saucepan, Whisk, Knife, Mixing Bowl, Peeler, Baking Tin, Ladle"),
        brands=("Nordlicht", "Casa Mora", "Millstone"),
        price_median=24.0,
        share=1.2,
        return_rate=0.05,
        peak_day=340,
        amplitude=0.2,
        goes_with="Tableware",
    ),
    Category(
        name="Tableware",
        styles=_words("Stoneware, Porcelain, Speckled, Hand-Painted, Linen, Recycled Glass, Rustic, Ivory"),
        nouns=_words("Dinner Plate, Bowl, Tumbler, Napkin Set, Serving Dish, Cutlery Set, Jug, Table Runner"),
        brands=("Casa Mora", "Atelier Brume", "Millstone"),
        price_median=18.0,
        share=1.0,
        return_rate=0.06,
        peak_day=335,
        amplitude=0.25,
        goes_with="Kitchen",
    ),
    Category(
        name="Candles",
        styles=_words("Beeswax, Cedar, Lavender, Fig, Amber, Winter Spice, Sea Salt, Vanilla, Pine"),
        nouns=_words("Candle, Tealights, Pillar Candle, Scented Candle, Wax Melts, Reed Diffuser"),
        brands=("Little Ember", "Atelier Brume"),
        price_median=12.0,
        share=1.0,
        return_rate=0.02,
        peak_day=340,
        amplitude=0.55,
        goes_with="Gifts & Decoration",
        cycle_days=45,
    ),
    Category(
        name="Gifts & Decoration",
        styles=_words("Paper, Vintage, Wooden, Felt, Golden, Woven, Velvet, Glass, Tin"),
        nouns=_words("Garland, Picture Frame, Ornament, Vase, Wall Clock, Lantern, Gift Box, Wreath, Bunting"),
        brands=("Atelier Brume", "Paper Fox", "Little Ember"),
        price_median=14.0,
        share=1.2,
        return_rate=0.06,
        peak_day=345,
        amplitude=0.6,
        goes_with="Candles",
    ),
    Category(
        name="Bedding",
        styles=_words("Linen, Cotton, Washed, Striped, Flannel, Bamboo, Quilted, Wool"),
        nouns=_words("Duvet Cover, Pillowcase, Throw, Blanket, Bed Sheet, Cushion, Bedspread"),
        brands=("Dormi", "Field & Fold"),
        price_median=42.0,
        share=0.7,
        return_rate=0.12,
        peak_day=10,
        amplitude=0.25,
        goes_with="Bath",
    ),
    Category(
        name="Bath",
        styles=_words("Waffle, Organic, Turkish, Oatmeal, Eucalyptus, Rose, Charcoal, Citrus"),
        nouns=_words("Towel, Bath Mat, Soap Bar, Bath Salts, Hand Wash, Robe, Sponge, Shampoo Bar"),
        brands=("Field & Fold", "Savonnerie Lune"),
        price_median=11.0,
        share=1.1,
        return_rate=0.04,
        peak_day=15,
        amplitude=0.1,
        goes_with="Skin Care",
        cycle_days=50,
    ),
    Category(
        name="Skin Care",
        styles=_words("Aloe, Chamomile, Unscented, Rose, Oat, Sea Buckthorn, Honey, Cucumber"),
        nouns=_words("Hand Cream, Face Oil, Lip Balm, Body Lotion, Cleanser, Night Cream, Face Mask, Sun Lotion"),
        brands=("Savonnerie Lune", "Botanika", "Plainly"),
        price_median=15.0,
        share=1.3,
        return_rate=0.02,
        peak_day=30,
        amplitude=0.2,
        goes_with="Bath",
        cycle_days=40,
    ),
    Category(
        name="Garden",
        styles=_words("Terracotta, Zinc, Cedar, Heirloom, Wildflower, Copper, Jute, Recycled"),
        nouns=_words("Planter, Watering Can, Trowel, Seed Kit, Bird Feeder, Plant Stand, Gloves, Herb Pot"),
        brands=("Greenwell", "Field & Fold"),
        price_median=17.0,
        share=1.1,
        return_rate=0.05,
        peak_day=130,
        amplitude=0.7,
        goes_with="Outdoor",
    ),
    Category(
        name="Outdoor",
        styles=_words("Canvas, Folding, Striped, Enamel, Waxed, Insulated, Teak, Rope"),
        nouns=_words("Picnic Blanket, Hammock, Water Bottle, Lunch Box, Deck Chair, Cool Bag, Lantern, Parasol"),
        brands=("Trailhead", "Greenwell"),
        price_median=32.0,
        share=0.8,
        return_rate=0.08,
        peak_day=180,
        amplitude=0.7,
        goes_with="Garden",
    ),
    Category(
        name="Stationery",
        styles=_words("Dotted, Leather, Recycled, Brass, Pastel, Letterpress, Marbled, Linen"),
        nouns=_words("Notebook, Pen, Planner, Greeting Cards, Washi Tape, Desk Tray, Pencil Set, Sketchbook"),
        brands=("Paper Fox", "Plainly"),
        price_median=8.5,
        share=1.0,
        return_rate=0.02,
        peak_day=245,
        amplitude=0.35,
        goes_with="Toys",
    ),
    Category(
        name="Toys",
        styles=_words("Wooden, Knitted, Rainbow, Magnetic, Tin, Forest, Dinosaur, Pirate"),
        nouns=_words("Puzzle, Building Blocks, Plush Bear, Train Set, Spinning Top, Memory Game, Doll, Kite"),
        brands=("Tumble & Co", "Paper Fox"),
        price_median=19.0,
        share=0.9,
        return_rate=0.07,
        peak_day=345,
        amplitude=0.6,
        goes_with="Stationery",
    ),
    Category(
        name="Pets",
        styles=_words("Grain-Free, Salmon, Chicken, Senior, Puppy, Natural, Lamb, Dental"),
        nouns=_words("Dog Treats, Cat Food, Kibble, Chew Sticks, Cat Litter, Training Bites, Dog Shampoo"),
        brands=("Wagtail", "Plainly"),
        price_median=16.0,
        share=1.1,
        return_rate=0.01,
        peak_day=1,
        amplitude=0.05,
        goes_with="Outdoor",
        cycle_days=28,
    ),
)
