namespace Consensus.Api.Settings;

/// <param name="Value">Whole, in the unit of the setting.</param>
public sealed record SettingRequest(long Value);

/// <summary>A bound that is the same on every member, and that an operator may change.</summary>
/// <param name="Value">In force now, in <paramref name="Unit"/>.</param>
/// <param name="Unit">One of <see cref="SettingUnits"/>.</param>
/// <param name="Default">What a reset makes it: that of the answering member's version.</param>
/// <param name="Least">The lowest that is taken.</param>
/// <param name="Most">The highest that is taken.</param>
public sealed record SettingAnswer(string Name, long Value, string Unit, long Default, long Least, long Most);

public sealed record SettingListAnswer(IReadOnlyList<SettingAnswer> Items, long Revision);
