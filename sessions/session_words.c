#include "sessions/session_words.h"

#include "core/mem.h"

/* clang-format off */
const char *const session_adjectives[] = {
    "able", "agile", "airy", "amber", "ample", "apt", "azure", "balmy", "bold", "brave", "breezy",
    "brief", "bright", "brisk", "broad", "bubbly", "calm", "candid", "careful", "cheery", "chief",
    "civil", "clean", "clear", "clever", "coastal", "cool", "copper", "coral", "cosy", "crisp",
    "curious", "dapper", "daring", "deep", "deft", "direct", "downy", "eager", "early", "earnest",
    "easy", "elegant", "epic", "even", "fair", "famous", "fancy", "fast", "feathery", "fine",
    "firm", "fit", "fleet", "fluffy", "fond", "free", "fresh", "friendly", "frosty", "full",
    "gallant", "gentle", "giant", "gifted", "glad", "gleaming", "golden", "good", "grand", "great",
    "green", "happy", "hardy", "hazel", "hearty", "helpful", "honest", "humble", "ideal", "indigo",
    "jade", "jaunty", "jolly", "jovial", "joyful", "keen", "kind", "large", "leafy", "level",
    "light", "lilac", "lively", "loyal", "lucid", "lucky", "lunar", "mellow", "merry", "mighty",
    "mild", "mint", "misty", "modern", "modest", "mossy", "nautical", "neat", "nifty", "nimble",
    "noble", "olive", "open", "orange", "orderly", "patient", "peachy", "placid", "plain",
    "playful", "polite", "prime", "proud", "pure", "quick", "quiet", "rapid", "ready", "regal",
    "robust", "rosy", "round", "royal", "ruby", "rustic", "sandy", "serene", "sharp", "shiny",
    "silent", "silver", "sincere", "sleek", "slim", "smart", "smooth", "snowy", "snug", "social",
    "soft", "solar", "solid", "sound", "sparkling", "speedy", "spry", "stable", "starry", "steady",
    "sterling", "stout", "strong", "sturdy", "subtle", "sunny", "super", "sure", "swift", "tall",
    "teal", "tender", "tidy", "tiny", "topaz", "tough", "tranquil", "trim", "true", "trusty",
    "upbeat", "urban", "valiant", "vast", "velvet", "vibrant", "violet", "vivid", "warm", "wise",
    "witty", "wooden", "young", "zesty",
};
const size_t session_adjectives_count = ARRAY_LEN(session_adjectives);

const char *const session_animals[] = {
    "adder", "albatross", "alpaca", "ant", "antelope", "ape", "badger", "barracuda", "bat", "bear",
    "beaver", "bee", "beetle", "bison", "boar", "bobcat", "bonobo", "buffalo", "bullfinch", "bunny",
    "butterfly", "camel", "canary", "capybara", "caracal", "cardinal", "caribou", "carp", "cat",
    "catfish", "chamois", "cheetah", "chickadee", "chicken", "chinchilla", "chipmunk", "cicada",
    "clam", "cobra", "cod", "condor", "coral", "cougar", "coyote", "crab", "crane", "cricket",
    "crow", "curlew", "deer", "dingo", "dodo", "dolphin", "donkey", "dormouse", "dove", "dragonfly",
    "duck", "eagle", "eel", "egret", "elephant", "elk", "emu", "ermine", "falcon", "ferret",
    "finch", "firefly", "flamingo", "flounder", "fox", "frog", "gazelle", "gecko", "gerbil",
    "gibbon", "giraffe", "gnu", "goat", "goldfinch", "goose", "gopher", "gorilla", "grouse", "gull",
    "guppy", "hamster", "hare", "hawk", "hedgehog", "heron", "hippo", "hornet", "horse", "husky",
    "ibex", "ibis", "iguana", "impala", "jackal", "jackdaw", "jaguar", "jay", "jellyfish",
    "kangaroo", "kestrel", "kingfisher", "kite", "kiwi", "koala", "kudu", "ladybird", "lapwing",
    "lark", "lemming", "lemur", "leopard", "limpet", "lion", "lizard", "llama", "lobster", "loon",
    "lynx", "macaw", "mackerel", "magpie", "mallard", "manatee", "mandrill", "mantis", "marlin",
    "marmot", "marten", "meerkat", "mink", "mole", "mongoose", "moose", "moth", "mouse", "mule",
    "narwhal", "newt", "nightjar", "ocelot", "octopus", "okapi", "opossum", "orca", "oriole",
    "oryx", "osprey", "ostrich", "otter", "owl", "oyster", "panda", "panther", "parrot",
    "partridge", "peacock", "pelican", "penguin", "perch", "pheasant", "pigeon", "pika", "pike",
    "plover", "pony", "porpoise", "possum", "prawn", "puffin", "puma", "python", "quail", "quokka",
    "rabbit", "raccoon", "raven", "reindeer", "robin", "rook", "salamander", "salmon", "sardine",
    "seahorse", "seal", "serval", "shark", "sheep", "shrew", "shrimp", "skylark", "sloth", "snail",
    "sparrow", "spider", "squid", "squirrel", "starfish", "starling", "stingray", "stork",
    "sturgeon", "swallow", "swan", "swift", "tapir", "tarsier", "tern", "thrush", "tiger", "toad",
    "tortoise", "toucan", "trout", "tuna", "turkey", "turtle", "viper", "vole", "wallaby", "walrus",
    "warbler", "wasp", "waxwing", "weasel", "whale", "wildcat", "wolf", "wolverine", "wombat",
    "woodlark", "wren", "yak", "zebra",
};
const size_t session_animals_count = ARRAY_LEN(session_animals);
/* clang-format on */
