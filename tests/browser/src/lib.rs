//! Journeys of a person, in real Chromium.
