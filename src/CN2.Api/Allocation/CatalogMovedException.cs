namespace CN2.Api.Allocation;

/// <summary>The catalog changed after the plan was made. <see cref="AllocationRecovery"/> reads it again, then the write starts again.</summary>
public sealed class CatalogMovedException() : Exception("The catalog has changed since it was read.");
