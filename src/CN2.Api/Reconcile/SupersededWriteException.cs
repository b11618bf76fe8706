namespace CN2.Api.Reconcile;

/// <summary>Another process of the same control node wrote its announcement rows later, so this write changed nothing.</summary>
public sealed class SupersededWriteException(string controlNode) : Exception(
    $"Another process writes the announcements of control node {controlNode}: give each control node its own ControlNode__Name.");
