DROP TABLE looking;
