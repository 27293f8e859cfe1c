// The words of the scripted teacher: the tables of docs/scripted-teacher.md, in its order.
#include "datagen/teachers/teacher_script.h"

static const char *const class_verbs[] = {
    "Classify", "Categorize", "Label", "Sort", "Judge", "Mark",
};

static const char *const class_texts[] = {
    "review of a small restaurant",    "message from an unhappy customer",
    "headline of a morning newspaper", "question about a train journey",
    "comment below a cooking recipe",  "email that arrived last night",
    "opening line of a novel",         "weather report for the coast",
    "remark made during a lesson",     "note left on the kitchen table",
    "claim about animals in winter",   "complaint about a broken heater",
    "advertisement for used bicycles", "answer given in an interview",
    "entry of a travel diary",         "sentence from a history book",
    "reply to a birthday invitation",  "statement about modern medicine",
    "rumour heard at the market",      "request sent to the library",
};

static const char *const label_sets[] = {
    "positive|negative|neutral",
    "spam|harmless",
    "true|false",
    "urgent|normal|low priority",
    "formal|casual",
    "question|order|statement",
    "happy|sad|angry",
    "science|sports|politics|culture",
    "past|present|future",
    "fact|opinion",
    "polite|rude",
    "easy|medium|hard",
};

static const char *const verbs[] = {
    "Write",     "Draft",    "Compose",   "Outline", "Prepare", "Improve",   "Suggest", "Describe",
    "Create",    "Explain",  "Summarize", "Review",  "Rewrite", "Present",   "Discuss", "Invent",
    "Translate", "Simplify", "Extend",    "Shorten", "Analyze", "Criticize", "Imagine", "Revise",
};

static const char *const objects[] = {
    "the following paragraph about deep sea fishing",
    "the following letter from a young soldier",
    "the following list of garden tools",
    "the following speech of a town mayor",
    "the following notes on healthy breakfasts",
    "the following argument against night trains",
    "the following poem about falling leaves",
    "the following review of winter boots",
    "the following dialogue between two doctors",
    "the following steps for baking bread",
    "the following report on clean rivers",
    "the following summary of a court case",
    "the following story of a lost dog",
    "the following rules of a card game",
    "the following announcement by the school board",
    "the following essay on ancient bridges",
    "the following interview with a beekeeper",
    "the following plan to save electricity",
    "the following message to all tenants",
    "the following schedule of a summer camp",
    "the following biography of a painter",
    "the following warning about thin ice",
    "the following offer for office furniture",
    "the following legend of a mountain spirit",
    "a letter asking neighbours for silence",
    "a weekly menu without any meat",
    "three ways of learning vocabulary quickly",
    "an apology for arriving too late",
    "the history of paper in Asia",
    "a bedtime tale featuring clever mice",
    "five questions for a job interview",
    "a safety guide to frozen lakes",
    "the daily routine of a lighthouse keeper",
    "a budget covering one student year",
    "reasons why cities plant more trees",
    "a toast at your sister's wedding",
    "the difference between copper and brass",
    "a training plan toward a marathon",
    "an invitation to an open workshop",
    "the main causes of soil erosion",
    "a slogan promoting public libraries",
    "instructions on repairing a flat tyre",
    "a conversation about lost luggage",
    "the benefits of sleeping eight hours",
    "a riddle whose answer is shadow",
    "some gifts costing under ten dollars",
    "a checklist before moving abroad",
    "the structure of an honest contract",
    "a short play set inside an elevator",
    "an experiment with salt and ice",
    "the role of bees in farming",
    "a complaint regarding delayed parcels",
    "two metaphors describing patience",
    "a tour through an old harbour",
    "the life cycle of green frogs",
    "a timetable balancing study and rest",
    "an obituary honouring a gentle teacher",
    "common mistakes when buying used cars",
    "a recipe built around lentils",
    "the rise and decline of telegraphs",
    "a debate on wearing school uniforms",
    "an analogy comparing memory with rivers",
    "tips to calm a nervous speaker",
    "a product name meant for herbal tea",
};

static const char *const styles[] = {
    "in the voice of a retired sailor",
    "for children who love riddles",
    "with a warm and friendly tone",
    "as if speaking to a judge",
    "like a sports reporter would",
    "in plain everyday language",
    "for readers without technical background",
    "with the patience of a nurse",
    "as a dialogue between rivals",
    "in the manner of old fairy tales",
    "for a busy manager on Monday",
    "using vivid sensory detail",
    "with dry British humour",
    "as an entry in somebody's journal",
    "for visitors coming from overseas",
    "in strictly neutral wording",
    "from the viewpoint of a cat",
    "as advice given by grandparents",
    "for experts who doubt everything",
    "with short and punchy sentences",
    "in a style suited to radio",
    "as though time were running out",
    "for beginners joining an evening class",
    "with examples taken from nature",
};

static const char *const constraints[] = {
    "using no more than forty words",           "and end on one open question",
    "without mentioning money anywhere",        "while naming at least two sources",
    "and keep every line under ten syllables",  "so that nobody feels blamed",
    "including one surprising comparison",      "but avoid adjectives entirely",
    "and number each main point clearly",       "while staying faithful to known facts",
    "in exactly four balanced sentences",       "and add a title of three words",
    "without repeating any important verb",     "so it fits on a postcard",
    "and justify your choice afterwards",       "while respecting different beliefs",
    "including both advantages and drawbacks",  "but leave the ending unresolved",
    "and translate difficult terms underneath", "with the strongest reason placed last",
    "so listeners remember it tomorrow",        "and mention one possible objection",
    "using only words learned at school",       "while keeping personal names secret",
};

static const char *const subjects[] = {
    "The old captain",   "A careful nurse",       "My younger brother",  "The night guard",
    "An honest farmer",  "Her favourite teacher", "The quiet neighbour", "A travelling singer",
    "The new engineer",  "His tired uncle",       "One curious student", "The village baker",
    "A famous gardener", "Their good friend",     "The tall pilot",      "Our former mayor",
};

static const char *const actions[] = {
    "repaired a wooden boat",     "counted seven white birds", "forgot the brass key",
    "cooked soup with beans",     "read a long letter",        "carried two heavy boxes",
    "planted young apple trees",  "waited for the last train", "sold warm winter coats",
    "found a silver coin",        "painted the narrow door",   "told a funny story",
    "cleaned every dusty window", "wrote down each name",      "measured the cold water",
    "opened a small shop",
};

static const char *const places[] = {
    "near the river",         "before sunrise",    "at the market",      "in early spring",
    "behind the station",     "during the storm",  "on a lonely island", "after the concert",
    "under the stone bridge", "in the empty hall", "beside the lake",    "on Sunday evening",
};

static const char *const clauses[] = {
    "Give a reason for every step and name one risk that remains.",
    "Compare at least two different approaches before you recommend one.",
    "Assume that the reader has only ten minutes and no internet access.",
    "Add a concrete example with numbers that can be checked by hand.",
    "State which facts you rely on and how certain each of them is.",
    "Explain what would change if the budget were cut by half.",
    "Consider the point of view of somebody who strongly disagrees.",
    "Limit the answer to five sentences and avoid technical terms.",
    "Describe a case in which the usual advice would fail.",
    "Include a short table with three rows that sums up your findings.",
    "Take legal rules of two different countries into account.",
    "Show how the result can be tested by a sceptical colleague.",
    "Also discuss long term effects on people who are not involved.",
    "Point out the assumption that is most likely to be wrong.",
    "Order your suggestions by cost and by the effort that they need.",
    "Use an analogy from everyday life to make the hardest part clear.",
    "Mention which information is missing and how to obtain it.",
    "Distinguish between what is urgent and what is merely important.",
    "Finish with one question that leads to further thinking.",
    "Respond as an advisor who must defend each sentence later.",
    "Cover the situation of a beginner and that of an expert.",
    "Add a backup plan in case the first attempt goes wrong.",
    "Respect privacy and say which details have to stay secret.",
    "Estimate the time needed and justify your estimate briefly.",
};

static const char *const fillers[] = {
    "amber",  "basil", "cedar", "delta", "ember", "fjord",  "grove",  "heron",
    "ivory",  "jumbo", "kayak", "lemon", "mango", "noble",  "ocean",  "pearl",
    "quartz", "raven", "sable", "tulip", "umber", "velvet", "walnut", "zebra",
};

static const char *const stops[] = {
    "It costs $20.50 in total.",
    "Use version 3.16.2 for this.",
    "Put ### between the parts.",
};

static const char *const refusals[] = {
    "Sorry, I cannot help with that.",
    "I'm sorry, but this is not something I can do.",
    "Sorry, but I have no view on this matter.",
};

static const char *const odd[] = {
    "Sing.",
    "Describe the picture of a lighthouse in two sentences.",
    "Write a program that counts the words of a poem.",
    "- List three rivers of the north and their cities.",
    "Übersetze the old song into plain words.",
    "Repeat this single word~.",
    "Translate the following line about autumn:",
};

static const char *const field_names[] = {
    "Input",
    "Text",
    "Sentence",
    "Letter",
};

#define WORDS(name)                          \
    {                                        \
        name, sizeof(name) / sizeof(name)[0] \
    }

const ScriptWords script_words[SCRIPT_TABLES] = {
    [SCRIPT_CLASS_VERBS] = WORDS(class_verbs),
    [SCRIPT_CLASS_TEXTS] = WORDS(class_texts),
    [SCRIPT_LABEL_SETS] = WORDS(label_sets),
    [SCRIPT_VERBS] = WORDS(verbs),
    [SCRIPT_OBJECTS] = WORDS(objects),
    [SCRIPT_STYLES] = WORDS(styles),
    [SCRIPT_CONSTRAINTS] = WORDS(constraints),
    [SCRIPT_SUBJECTS] = WORDS(subjects),
    [SCRIPT_ACTIONS] = WORDS(actions),
    [SCRIPT_PLACES] = WORDS(places),
    [SCRIPT_CLAUSES] = WORDS(clauses),
    [SCRIPT_FILLERS] = WORDS(fillers),
    [SCRIPT_STOPS] = WORDS(stops),
    [SCRIPT_REFUSALS] = WORDS(refusals),
    [SCRIPT_ODD_TASKS] = WORDS(odd),
    [SCRIPT_FIELD_NAMES] = WORDS(field_names),
};
