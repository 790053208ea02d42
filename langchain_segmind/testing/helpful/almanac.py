"""A little general knowledge, so that the first thing anybody asks gets an answer.

Used only when the question brought no documents: what was given is never mixed with this.
"""

from langchain_segmind.testing.helpful.material import Passage

ALMANAC = tuple(
    Passage(sentence, "document")
    for sentence in (
        "The capital of France is Paris.",
        "The capital of Germany is Berlin.",
        "The capital of Italy is Rome.",
        "The capital of Spain is Madrid.",
        "The capital of Japan is Tokyo.",
        "The capital of India is New Delhi.",
        "The capital of England and of the United Kingdom is London.",
        "The capital of the United States is Washington, D.C.",
        "The sky is blue because air scatters blue light more than red light.",
        "Water boils at 100 degrees Celsius at sea level.",
        "The Earth orbits the Sun once a year, and the Moon orbits the Earth.",
        "The speed of light is about 300,000 kilometres per second.",
        "Jupiter is the largest planet of the solar system.",
        "Mount Everest is the highest mountain on Earth, at 8,849 metres.",
        "William Shakespeare wrote Romeo and Juliet, Hamlet and Macbeth.",
        "Ada Lovelace wrote the first published program, for Babbage's Analytical Engine, in 1843.",
        "Alan Turing described a universal computing machine in 1936.",
        "Python is a programming language created by Guido van Rossum in 1991.",
        "LangChain is a framework for building applications with language models.",
        "Segmind is a gateway to many language, image and video models behind one API key.",
        "A large language model is a neural network trained to continue text.",
        "Retrieval-augmented generation (RAG) answers questions from documents found by a search.",
        "An embedding is a list of numbers that places a text near others of similar meaning.",
        "Cats are small carnivorous mammals that people keep as pets.",
        "Parrots are colourful birds, some of which can imitate human speech.",
    )
)
