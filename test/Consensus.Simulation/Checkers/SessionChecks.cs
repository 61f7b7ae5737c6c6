using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Checkers.Holds;

namespace Consensus.Simulation.Checkers;

/// <summary>Who is told what the clients of sessions are answered; null where nobody looks.</summary>
internal sealed record SessionChecks(SessionAnswers? Answers, NewsTold? News, SessionLives? Lives);
