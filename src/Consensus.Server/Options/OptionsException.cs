namespace Consensus.Server.Options;

/// <summary>An option is wrong: the start stops with this one sentence.</summary>
public sealed class OptionsException(string sentence) : Exception(sentence);
