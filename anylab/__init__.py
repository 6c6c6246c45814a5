"""Anylab: one notebook source, compiled for every free GPU platform."""

__version__ = "0.1.0"
