namespace CN2.VRouter.Certificates;

/// <summary>The agent's own certificate cannot be used; the message says why, and what to do.</summary>
internal sealed class CertificateFileException(string message) : Exception(message);
